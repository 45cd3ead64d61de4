/**
 * The value of a container's `Image` that stands for the machine's own root filesystem, copy-on-write. It is not a valid image
 * reference (nothing may follow the colon but a tag, and a tag has no slash), so it cannot collide with one.
 */
export const hostImageReference = 'host:/'
