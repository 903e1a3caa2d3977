"""Making smaller things of foreign files, in the child: pictures by libvips, videos by FFmpeg."""
