"""The verbs of the command line; each function adds its parser."""

from cnnviz.commands.augment import add_augment
from cnnviz.commands.predict import add_predict
from cnnviz.commands.recipes import add_describe, add_presets
from cnnviz.commands.runs import add_delete, add_pause, add_resume, add_runs, add_stop
from cnnviz.commands.train import add_train

ALL = (
    add_presets,
    add_describe,
    add_train,
    add_runs,
    add_stop,
    add_pause,
    add_resume,
    add_delete,
    add_augment,
    add_predict,
)
