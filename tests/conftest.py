"""No test may cost money: endpoints on other machines are refused."""

from __future__ import annotations

import os

os.environ["HYDROMETER_LOOPBACK_ONLY"] = "1"
os.environ.pop("OPENAI_API_KEY", None)
