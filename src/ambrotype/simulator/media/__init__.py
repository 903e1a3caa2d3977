"""Small real media, made here and the same for the same seed: pictures, videos, sounds, and files of a wanted
size.

Nothing is read from disk and no font is needed: digits are drawn from a table. The same seed and options give
the same bytes on the same versions of libvips and FFmpeg.
"""

from ambrotype.simulator.media.bulk import BigVideo, big_video, padded_png
from ambrotype.simulator.media.movies import video
from ambrotype.simulator.media.pictures import picture
from ambrotype.simulator.media.sounds import sound

__all__ = ["BigVideo", "big_video", "padded_png", "picture", "sound", "video"]
