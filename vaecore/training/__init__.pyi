from .config import OptimizerConfig as OptimizerConfig, TrainingConfig as TrainingConfig
from .loop import FitResult as FitResult, fit as fit
from .module import TrainingModule as TrainingModule
