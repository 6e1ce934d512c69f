"""What a camera's pictures say of the camera: whether it shows its scene, and whether enough of them come."""
