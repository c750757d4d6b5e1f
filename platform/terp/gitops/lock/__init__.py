"""The exact lock of an environment: every image, chart and repository that its platform is made from."""

from terp.gitops.lock.charts import ChartLock, charts
from terp.gitops.lock.images import ImageLock, images

__all__ = ["ChartLock", "ImageLock", "charts", "images"]
