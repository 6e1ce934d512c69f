"""People at the water: in it, still, alone, a child's size, vanished. Pure, on camera time, no model."""
