"""``lianfang cameras``: finding cameras, and what else is done for all of them. A command each."""
