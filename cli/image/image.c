/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "image/image.h"

char *image_place(void)
{
	char *cache = place_of_cache(), *place = text("%s/images", cache);

	free(cache);
	return place;
}

static bool is_name(const char *word)
{
	static const char letters[] = "-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789";
	/* It is a host name, too. */
	return strlen(word) <= 63 && strspn(word, letters + 1) && !word[strspn(word, letters)];
}

bool image_name_ok(const char *name)
{
	if (is_name(name))
		return true;
	complain("'%s' is no name for an image: at most 63 letters, digits and '-', and a "
		 "letter or digit first",
		 name);
	return false;
}

static bool take_line(struct image *image, char *line, uint64_t *bytes)
{
	line[strcspn(line, "\n")] = '\0';
	if (!strncmp(line, "RELEASE=", 8)) {
		free(image->release);
		image->release = text("%s", line + 8);
	} else if (!strncmp(line, "BYTES=", 6)) {
		*bytes = strtoull(line + 6, NULL, 10);
	}
	return true;
}

/* Reads what make-image wrote of it, and looks whether the disk is still that long. */
static bool read_image(struct image *image)
{
	char *path = text("%s/image", image->folder), line[256];
	FILE *file = fopen(path, "re");
	const char *damage = NULL;
	uint64_t bytes = 0;
	struct stat st;

	while (file && fgets(line, sizeof(line), file))
		take_line(image, line, &bytes);
	if (file)
		fclose(file);
	free(path);
	if (!image->release)
		damage = "what tells of it is missing";
	else if (stat(image->disk, &st) || (uint64_t)st.st_size != bytes)
		damage = "its disk is missing or cut off";
	else if (strcmp(image_disk_format(image->disk), "qcow2") != 0)
		damage = "its disk is no qcow2";
	if (damage)
		complain("the image '%s' is damaged: %s; 'riser image delete %s' removes it",
			 image->name, damage, image->name);
	return !damage && image_disk_ok(image->disk, image->name);
}

static bool open_named(const char *name, struct image *image)
{
	char *place = image_place(), *folder = text("%s/%s", place, name);

	free(place);
	*image = (struct image){ .lock = -1 };
	if (!is_name(name) || access(folder, F_OK)) {
		free(folder);
		return false;
	}
	image->name = text("%s", name);
	image->folder = folder;
	image->disk = text("%s/disk.qcow2", folder);
	return true;
}

bool image_find_named(const char *name, struct image *image)
{
	if (open_named(name, image))
		return true;
	complain("there is no image '%s'; 'riser image list' shows those there are, "
		 "'riser image create %s' makes it",
		 name, is_name(name) ? name : "NAME");
	return false;
}

bool image_find(const char *word, struct image *image)
{
	if (open_named(word, image))
		return read_image(image);
	if (is_name(word) && access(word, F_OK))
		return image_find_named(word, image);
	image->disk = text("%s", word);
	return image_disk_ok(word, word);
}

void image_forget(struct image *image)
{
	if (image->lock >= 0) {
		if (ftruncate(image->lock, 0))
			complain("cannot note that image '%s' is free: %s", image->name,
				 strerror(errno));
		close(image->lock);
	}
	free(image->disk);
	free(image->name);
	free(image->folder);
	free(image->release);
	*image = (struct image){ .lock = -1 };
}

static int open_lock(const struct image *image)
{
	char *path = text("%s/lock", image->folder);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		complain("cannot open '%s': %s", path, strerror(errno));
	free(path);
	return fd;
}

static bool note_port(int lock, unsigned port)
{
	return !ftruncate(lock, 0) && dprintf(lock, "%d %u\n", (int)getpid(), port) > 0;
}

bool image_take(struct image *image, unsigned port)
{
	pid_t holder;
	unsigned at;

	if (!image->name)
		return image_disk_free(image->disk);
	image->lock = open_lock(image);
	if (image->lock < 0)
		return false;
	if (!flock(image->lock, LOCK_EX | LOCK_NB)) {
		if (note_port(image->lock, port))
			return true;
		complain("cannot write to '%s/lock': %s", image->folder, strerror(errno));
		return false;
	}
	close(image->lock);
	image->lock = -1;
	if (!image_in_use(image, &holder, &at))
		holder = 0;
	complain("the image '%s' is in use by process %d; end that run, or make another with "
		 "'riser image create'",
		 image->name, (int)holder);
	return false;
}

bool image_in_use(const struct image *image, pid_t *pid, unsigned *port)
{
	int fd = open_lock(image), process = 0;
	bool used = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
	char line[64] = "";

	if (used && pread(fd, line, sizeof(line) - 1, 0) > 0)
		used = sscanf(line, "%d %u", &process, port) == 2;
	*pid = process;
	if (fd >= 0)
		close(fd);
	return used;
}
