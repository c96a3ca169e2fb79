from .config import OptimizerConfig as OptimizerConfig
from .config import TrainingConfig as TrainingConfig
from .loop import FitResult as FitResult
from .loop import fit as fit
from .module import TrainingModule as TrainingModule
