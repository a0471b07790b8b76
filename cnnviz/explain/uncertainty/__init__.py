"""How far a prediction can be relied on: calibration, prediction sets, novelty, the nearest training images."""
