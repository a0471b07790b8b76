"""The verbs of the command line; each function adds its parsers."""

from cnnviz.commands.app import add_app
from cnnviz.commands.audit import add_audit
from cnnviz.commands.augment import add_augment
from cnnviz.commands.branch import add_branch
from cnnviz.commands.cluster import add_cluster
from cnnviz.commands.evaluate import add_evaluate
from cnnviz.commands.export import add_export
from cnnviz.commands.import_events import add_import
from cnnviz.commands.inside import add_inside
from cnnviz.commands.learning_rate import add_learning_rate
from cnnviz.commands.predict import add_predict
from cnnviz.commands.recipes import add_describe, add_presets
from cnnviz.commands.report import add_report
from cnnviz.commands.reproduce import add_reproduce
from cnnviz.commands.robustness import add_robustness
from cnnviz.commands.runs import add_runs
from cnnviz.commands.script import add_script
from cnnviz.commands.search import add_search
from cnnviz.commands.serve import add_serve
from cnnviz.commands.train import add_train

ALL = (
    add_app,
    add_presets,
    add_describe,
    add_train,
    add_branch,
    add_search,
    add_learning_rate,
    add_runs,
    add_cluster,
    add_audit,
    add_augment,
    add_predict,
    add_inside,
    add_evaluate,
    add_robustness,
    add_export,
    add_import,
    add_serve,
    add_report,
    add_script,
    add_reproduce,
)
