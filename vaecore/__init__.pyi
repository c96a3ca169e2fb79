from .analysis import LatentReport as LatentReport
from .analysis import analyse as analyse
from .attributes import (
    apply_attributes as apply_attributes,
)
from .attributes import (
    attribute_directions as attribute_directions,
)
from .attributes import (
    attribute_vector as attribute_vector,
)
from .attributes import (
    quartile_attribute_vector as quartile_attribute_vector,
)
from .codec import Codec as Codec
from .codec import Example as Example
from .codec import Examples as Examples
from .config import ModelConfig as ModelConfig
from .device import choose_device as choose_device
from .distributions import (
    DiagonalGaussian as DiagonalGaussian,
)
from .distributions import (
    kl_divergence as kl_divergence,
)
from .distributions import (
    reparameterize as reparameterize,
)
from .domain import Domain as Domain
from .errors import DataError as DataError
from .errors import UsageError as UsageError
from .model import VAE as VAE
from .objective import (
    LossTerms as LossTerms,
)
from .objective import (
    Objective as Objective,
)
from .objective import (
    free_bits as free_bits,
)
from .objective import (
    implied_noise as implied_noise,
)
from .objective import (
    iwae_bound as iwae_bound,
)
from .paths import (
    bilinear_grid as bilinear_grid,
)
from .paths import (
    bilinear_weights as bilinear_weights,
)
from .paths import (
    interpolate as interpolate,
)
from .paths import (
    interpolation_weights as interpolation_weights,
)
from .paths import (
    lerp as lerp,
)
from .paths import (
    perturb as perturb,
)
from .paths import (
    slerp as slerp,
)
from .paths import (
    traverse as traverse,
)
from .priors import (
    Flow as Flow,
)
from .priors import (
    GaussianMixture as GaussianMixture,
)
from .priors import (
    Prior as Prior,
)
from .priors import (
    StandardNormal as StandardNormal,
)
from .priors import (
    fit_flow as fit_flow,
)
from .priors import (
    fit_prior as fit_prior,
)
from .schedules import (
    Constant as Constant,
)
from .schedules import (
    Cyclical as Cyclical,
)
from .schedules import (
    Exponential as Exponential,
)
from .schedules import (
    Linear as Linear,
)
from .schedules import (
    make_schedule as make_schedule,
)
from .space import LatentSpace as LatentSpace

__version__: str
