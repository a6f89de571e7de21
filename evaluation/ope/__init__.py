"""Off-policy evaluation: what logged treatment says of a policy; it may veto, never release."""

from .baselines import baselines, behaviour_value
from .critic import CriticSettings
from .epochs import coarsen
from .estimate import Estimate, Estimator
from .evidence import Evidence
from .hidden_causes import HiddenCauses, hidden_causes
from .parts import Part, divide
from .registry import ESTIMATORS, make_estimator
from .report import Report, judge_target
from .veto import Verdict, ope_verdict

__all__ = [
    "ESTIMATORS",
    "CriticSettings",
    "Estimate",
    "Estimator",
    "Evidence",
    "HiddenCauses",
    "Part",
    "Report",
    "Verdict",
    "baselines",
    "behaviour_value",
    "coarsen",
    "divide",
    "hidden_causes",
    "judge_target",
    "make_estimator",
    "ope_verdict",
]
