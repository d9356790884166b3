"""Watches the calibration while picking: its drift goes to diagnostics, an alarm stops picking."""

from grasp_affordance.calibration.drift import DriftConfig, DriftMonitor
from grasp_affordance.ros.common.diagnostics import ERROR, OK, Diagnostics


class DriftWatch:
    """Takes the heights of every pick; configuring the node anew starts over."""

    def __init__(self, config: DriftConfig, diagnostics: Diagnostics) -> None:
        self._monitor = DriftMonitor(config)
        self._diagnostics = diagnostics
        self._alarm = ""

    def note(self, predicted: float, sensed: float) -> None:
        """Take the predicted and the sensed height of a contact, base frame, metres."""
        self._monitor.note(predicted, sensed)
        drift = self._monitor.estimate()
        self._alarm = drift.alarm
        self._diagnostics.set(
            "calibration",
            ERROR if drift.alarm else OK,
            drift.alarm or "contacts are where they are predicted",
            {
                "contacts": drift.contacts,
                "offset_mm": round(drift.offset * 1000, 2),
                "spread_mm": round(drift.spread * 1000, 2),
            },
        )

    def blocking_reason(self) -> str:
        """Return why nothing may be picked; empty while the calibration holds."""
        return f"the calibration is in doubt: {self._alarm}" if self._alarm else ""
