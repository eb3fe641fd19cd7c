"""A check of shapes that students share."""

from noisylabel.exceptions import InvalidParameterError


def image_shape(student: object, sample_shape: tuple[int, ...], min_size: int = 1) -> tuple[int, int, int]:
    """Return (channels, height, width); refuse what is not images with sides of at least ``min_size`` pixels."""
    if len(sample_shape) != 3 or min(sample_shape[1:]) < min_size:
        raise InvalidParameterError(
            f"'student' {type(student).__name__} takes images of shape (channels, height, width) with sides of at "
            f"least {min_size}. Got samples of shape {tuple(sample_shape)}. For a table use student='mlp'."
        )
    channels, height, width = sample_shape
    return channels, height, width
