"""What was measured at price changes, as arrays. Axes: E events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Steps:
    """Measured steps at E events.

    Attributes:
        quantity_E: of the log quantity, its final size.
        error_E: its standard error.
        weighing_E: the error that weighs an event among the others.
        paid_E: of the log price paid.
        announced_E: of the log list price: the instrument.
        cluster_E: events that are not independent share a number.
    """

    quantity_E: Array
    error_E: Array
    weighing_E: Array
    paid_E: Array
    announced_E: Array
    cluster_E: npt.NDArray[np.int64]

    def without(self, cluster: int) -> Steps:
        """Returns the steps of the other clusters."""
        kept = self.cluster_E != cluster
        return Steps(
            quantity_E=self.quantity_E[kept],
            error_E=self.error_E[kept],
            weighing_E=self.weighing_E[kept],
            paid_E=self.paid_E[kept],
            announced_E=self.announced_E[kept],
            cluster_E=self.cluster_E[kept],
        )
