"""What a sweep found: tables, which configurations are best, and a page. Nothing here knows of Ray."""

from sweeps.report.front import pareto_front
from sweeps.report.page import write_report
from sweeps.report.ranking import best_by_noise, best_trial, importances, near_ties, oracle_gap, ranked
from sweeps.report.summary import report_summary
from sweeps.report.tables import SweepResults, save_tables, tuned_parameters

__all__ = [
    "SweepResults",
    "best_by_noise",
    "best_trial",
    "importances",
    "near_ties",
    "oracle_gap",
    "pareto_front",
    "ranked",
    "report_summary",
    "save_tables",
    "tuned_parameters",
    "write_report",
]
