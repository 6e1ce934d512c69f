"""GB/T 28181 as a device speaks it that registers and reports alarms: no pictures, no calls."""
