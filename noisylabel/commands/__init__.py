"""The sub-commands of ``noisylabel``, one file each; :mod:`noisylabel.cli` puts them together."""

from noisylabel.commands._audit import add_audit_command
from noisylabel.commands._audit_apply import add_audit_apply_command
from noisylabel.commands._bench import add_bench_command, run_bench
from noisylabel.commands._curriculum import add_curriculum_command
from noisylabel.commands._demo import add_demo_command
from noisylabel.commands._evaluate import add_evaluate_command
from noisylabel.commands._options import Parser
from noisylabel.commands._sweep import add_sweep_command, run_sweep

__all__ = ["ADD_COMMAND", "HAND_OVER", "TWO_WORDS", "Parser"]

ADD_COMMAND = (
    add_demo_command,
    add_audit_command,
    add_audit_apply_command,
    add_curriculum_command,
    add_evaluate_command,
    add_sweep_command,
    add_bench_command,
)
HAND_OVER = {"sweep": run_sweep, "bench": run_bench}  # with all that stands after them, --help too
TWO_WORDS = ("audit apply",)  # a file of such a name is audited as ./apply
