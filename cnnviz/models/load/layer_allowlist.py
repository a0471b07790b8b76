"""What a model's config may name: Keras's own layers, operations and small functions that only calculate.

Left out on purpose: what holds code (Lambda), reads files or addresses (TFSMLayer, StringLookup, TextVectorization),
wraps other libraries' modules (JaxLayer, TorchModuleWrapper), or takes functions (Map, Scan, While). Importing this
loads no TensorFlow.
"""

from __future__ import annotations

from types import MappingProxyType

__all__ = ["ACTIVATIONS", "DTYPES", "FUNCTION_MODULES", "MODELS", "NAMES", "OBJECTS"]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


MODELS = _names("Functional Sequential")
_LAYERS = _names(
    """
    InputLayer Identity Activation ReLU LeakyReLU PReLU ELU Softmax
    Dense EinsumDense Embedding Conv1D Conv2D Conv1DTranspose Conv2DTranspose DepthwiseConv1D DepthwiseConv2D
    SeparableConv1D SeparableConv2D
    MaxPooling1D MaxPooling2D AveragePooling1D AveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D
    GlobalAveragePooling1D GlobalAveragePooling2D
    BatchNormalization LayerNormalization GroupNormalization UnitNormalization RMSNormalization SpectralNormalization
    Dropout SpatialDropout1D SpatialDropout2D AlphaDropout GaussianDropout GaussianNoise ActivityRegularization
    Flatten Reshape Permute RepeatVector Cropping1D Cropping2D ZeroPadding1D ZeroPadding2D UpSampling1D UpSampling2D
    Add Subtract Multiply Average Maximum Minimum Concatenate Dot
    Rescaling Resizing CenterCrop Normalization RandomFlip RandomRotation RandomZoom RandomTranslation RandomCrop
    RandomContrast RandomBrightness
    MultiHeadAttention GroupQueryAttention Attention AdditiveAttention
    LSTM GRU SimpleRNN Bidirectional TimeDistributed
    """
)
_NUMPY = _names(
    """
    Abs Absolute Add Amax Amin Argmax Argmin Average BroadcastTo Ceil Clip Concatenate Cos Divide Dot Einsum Equal Exp
    ExpandDims Expm1 Flip Floor FloorDivide GetItem Greater GreaterEqual Less LessEqual Log Log10 Log1p Log2 LogicalAnd
    LogicalNot LogicalOr Matmul Max Maximum Mean Median Min Minimum Mod Moveaxis Multiply Negative NotEqual OnesLike Pad
    Power Prod Ravel Reciprocal Repeat Reshape Roll Round Sign Sin Sqrt Square Squeeze Stack Std Subtract Sum Swapaxes
    Tan Tanh Tensordot Tile Transpose TrueDivide Var Where ZerosLike
    """
)
_NN = _names(
    """
    AveragePool BatchNorm Celu Conv DepthwiseConv Elu Gelu Glu HardSigmoid HardSilu HardTanh LayerNorm LeakyRelu
    LogSigmoid LogSoftmax MaxPool Moments Normalize OneHot Relu Relu6 Selu SeparableConv Sigmoid Silu Softmax Softplus
    Softsign
    """
)
ACTIVATIONS = _names(
    """
    relu leaky_relu relu6 softmax celu elu selu softplus softsign squareplus soft_shrink sparse_plus silu gelu glu tanh
    tanh_shrink threshold sigmoid sparse_sigmoid exponential hard_sigmoid hard_silu hard_tanh hard_shrink linear mish
    log_softmax log_sigmoid sparsemax swish hard_swish
    """
)
_INITIALIZERS = _names(
    """
    Constant Identity Ones Zeros GlorotNormal GlorotUniform HeNormal HeUniform LecunNormal LecunUniform Orthogonal
    OrthogonalInitializer IdentityInitializer RandomNormal RandomUniform TruncatedNormal VarianceScaling
    """
)
_REGULARIZERS = _names("L1 L2 L1L2 OrthogonalRegularizer")
_CONSTRAINTS = _names("MaxNorm MinMaxNorm NonNeg UnitNorm")

OBJECTS = MappingProxyType(
    {
        "keras": MODELS | {"DTypePolicy"},
        "keras.models": frozenset({"Sequential"}),
        "keras.src.models.functional": frozenset({"Functional"}),
        "keras.src.models.sequential": frozenset({"Sequential"}),
        "keras.layers": _LAYERS,
        "keras.src.ops.numpy": _NUMPY,
        "keras.src.ops.nn": _NN,
        "keras.src.ops.core": frozenset({"Cast"}),
        "keras.src.ops.math": frozenset({"Rsqrt", "Logsumexp"}),
        "keras.src.applications.convnext": frozenset({"LayerScale", "StochasticDepth"}),
        "keras.dtype_policies": frozenset({"DTypePolicy"}),
        "keras.random": frozenset({"SeedGenerator"}),
        "keras.src.random.seed_generator": frozenset({"SeedGenerator"}),
        "keras.initializers": _INITIALIZERS,
        "keras.regularizers": _REGULARIZERS,
        "keras.constraints": _CONSTRAINTS,
    }
)
"""Classes by the module that a config names for them; any other pair is refused."""

FUNCTION_MODULES = _names("builtins keras.activations keras.src.activations.activations")
DTYPES = _names("float16 bfloat16 float32 float64 uint8 int8 int16 int32 int64 bool mixed_float16 mixed_bfloat16")


def _spelled(names: frozenset[str], *more: str) -> frozenset[str]:
    """Keras takes a class by its name or in small letters with underscores."""
    small = {"".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name)) for name in names}
    return names | small | set(more)


NAMES = MappingProxyType(
    {
        "activation": ACTIVATIONS,
        "initializer": _spelled(_INITIALIZERS, "normal", "uniform", "one", "zero"),
        "regularizer": _spelled(_REGULARIZERS, "l1", "l2", "l1_l2", "l1l2"),
        "constraint": _spelled(_CONSTRAINTS, "maxnorm", "nonneg", "unitnorm"),
        "dtype": DTYPES,
        "policy": DTYPES,
    }
)
"""What a plain text may say where the last part of its key (after an underscore) is one of these."""
