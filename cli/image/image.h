/* SPDX-License-Identifier: MIT */
/* Root disks: those that riser image made, which have a name, and any other, which has a path.
 */
#ifndef RISER_CLI_IMAGE_H
#define RISER_CLI_IMAGE_H

#include <stdbool.h>
#include <sys/types.h>

struct image {
	char *disk;    /* the disk's path */
	char *name;    /* NULL: a disk of the user's; then the rest is NULL too */
	char *folder;  /* disk.qcow2, key, known_hosts, image, lock */
	char *release; /* the kernel whose modules are on it */
	int lock;      /* held while it is in use; -1: not held */
};

/* Where all images are; malloc'ed. */
char *image_place(void);
/* Complains unless `name` can name an image: letters, digits and "-". */
bool image_name_ok(const char *name);
/*
 * Finds the image of a name, or else the disk of a path, and looks whether it is whole.
 * Complains if there is none or it is damaged. What was found is freed with image_forget().
 */
bool image_find(const char *word, struct image *image);
bool image_find_named(const char *name, struct image *image);
void image_forget(struct image *image);

/*
 * Takes the image for this process until image_forget(), reachable by ssh at `port`, or fails
 * if another has it. Nothing is to be taken of a disk of the user's: QEMU locks it itself, and
 * whether somebody writes to it is all that is looked at.
 */
bool image_take(struct image *image, unsigned port);
/* Whether a run has the image; its process and port. */
bool image_in_use(const struct image *image, pid_t *pid, unsigned *port);

/* disk.c: complains unless the file begins as a whole disk of its format does. */
bool image_disk_ok(const char *path, const char *what);
/* "qcow2" or "raw". */
const char *image_disk_format(const char *path);
/* Complains if another QEMU writes to the disk. */
bool image_disk_free(const char *path);

#endif
