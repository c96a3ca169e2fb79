from .analysis import LatentReport as LatentReport, analyse as analyse
from .attributes import (
    apply_attributes as apply_attributes,
    attribute_directions as attribute_directions,
    attribute_vector as attribute_vector,
    quartile_attribute_vector as quartile_attribute_vector,
)
from .codec import Codec as Codec, Example as Example, Examples as Examples
from .config import ModelConfig as ModelConfig
from .device import choose_device as choose_device
from .distributions import (
    DiagonalGaussian as DiagonalGaussian,
    kl_divergence as kl_divergence,
    reparameterize as reparameterize,
)
from .domain import Domain as Domain
from .errors import DataError as DataError, UsageError as UsageError
from .model import VAE as VAE
from .objective import (
    LossTerms as LossTerms,
    Objective as Objective,
    free_bits as free_bits,
    implied_noise as implied_noise,
    iwae_bound as iwae_bound,
)
from .paths import (
    bilinear_grid as bilinear_grid,
    bilinear_weights as bilinear_weights,
    interpolate as interpolate,
    interpolation_weights as interpolation_weights,
    lerp as lerp,
    perturb as perturb,
    slerp as slerp,
    traverse as traverse,
)
from .priors import (
    Flow as Flow,
    GaussianMixture as GaussianMixture,
    Prior as Prior,
    StandardNormal as StandardNormal,
    fit_flow as fit_flow,
    fit_prior as fit_prior,
)
from .schedules import (
    Constant as Constant,
    Cyclical as Cyclical,
    Exponential as Exponential,
    Linear as Linear,
    make_schedule as make_schedule,
)
from .space import LatentSpace as LatentSpace

__version__: str
