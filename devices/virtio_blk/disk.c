/* SPDX-License-Identifier: MIT-0 */
/* What the disk is: a file that nobody else uses, or memory. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "blk.h"

#define MEMORY_DEFAULT (UINT64_C(64) << 20)

/* ---- Opening ---- */

static int make_memory(struct virtio_blk *b)
{
	b->length = b->size ? b->size : MEMORY_DEFAULT;
	b->block_size = 4096;
	b->in_memory = true;
	if (b->readonly)
		return riser_fail(b->dev, -EINVAL,
				  "option 'readonly': a disk in memory would be all zeroes; "
				  "give a file=, or leave it off");
	if (b->length % SECTOR || b->length > INT64_MAX)
		return riser_fail(b->dev, -EINVAL,
				  "option 'size': %" PRIu64
				  " bytes are no whole number of sectors of %d",
				  b->length, SECTOR);
	b->fd = memfd_create("virtio_blk", MFD_CLOEXEC);
	if (b->fd < 0 || ftruncate(b->fd, (off_t)b->length))
		return riser_fail(b->dev, -errno,
				  "no memory for a disk of %" PRIu64 " bytes: %m", b->length);
	return 0;
}

static int open_file(struct virtio_blk *b)
{
	int error;

	/* Without O_NONBLOCK a pipe would have us wait for its other end. */
	b->fd = open(b->file,
		     (b->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (b->fd >= 0)
		return 0;
	error = errno;
	if (!b->readonly && (error == EACCES || error == EROFS || error == EPERM))
		return riser_fail(
			b->dev, -error,
			"cannot write '%s': %s; give readonly=on, or make it writable", b->file,
			strerror(error));
	return riser_fail(b->dev, -error, "cannot open the disk '%s': %s%s", b->file,
			  strerror(error),
			  error == ENOENT ? "; 'truncate -s 1G FILE' makes one" : "");
}

static int check_file(struct virtio_blk *b)
{
	struct stat st;
	off_t end;

	if (fstat(b->fd, &st))
		return riser_fail(b->dev, -errno, "cannot look at '%s': %m", b->file);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return riser_fail(b->dev, -EINVAL,
				  "'%s' is no disk: neither a file nor a block device",
				  b->file);
	/* The superuser could write it all the same, but somebody did not want that. */
	if (!b->readonly && !(st.st_mode & (S_IWUSR | S_IWGRP | S_IWOTH)))
		return riser_fail(b->dev, -EACCES,
				  "'%s' is read-only; give readonly=on, or make it writable",
				  b->file);
	end = lseek(b->fd, 0, SEEK_END);
	if (end <= 0 || end % SECTOR)
		return riser_fail(b->dev, -EINVAL,
				  "'%s' is too short: %" PRIi64
				  " bytes are no whole number of sectors of %d, at least one; "
				  "'truncate -s' changes it",
				  b->file, (int64_t)end, SECTOR);
	b->length = (uint64_t)end;
	b->block_size = st.st_blksize > 0 ? (uint32_t)st.st_blksize : SECTOR;
	return 0;
}

/* QEMU's own locks are ranges of the file, which this meets, too. */
int disk_lock(struct virtio_blk *b)
{
	struct flock whole = { .l_type = b->readonly ? F_RDLCK : F_WRLCK,
			       .l_whence = SEEK_SET };

	b->locked = !b->file || !fcntl(b->fd, F_OFD_SETLK, &whole);
	if (b->locked)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return riser_fail(b->dev, -EBUSY,
				  "the disk '%s' is in use by another; end that one%s", b->file,
				  b->readonly ? "" : ", or give both of them readonly=on");
	return riser_fail(b->dev, -errno, "cannot lock '%s': %m", b->file);
}

/* Whoever has it next reads what was written here, on another machine, too. */
void disk_unlock(struct virtio_blk *b)
{
	struct flock whole = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	b->locked = false;
	if (!b->file)
		return;
	if (!b->readonly && fdatasync(b->fd))
		riser_log(b->dev, RISER_ERROR, "cannot write '%s' out: %m", b->file);
	fcntl(b->fd, F_OFD_SETLK, &whole);
}

int disk_open(struct virtio_blk *b)
{
	struct statfs fs;
	int ret;

	b->fd = -1;
	if (b->file && b->size)
		return riser_fail(
			b->dev, -EINVAL,
			"options 'file' and 'size' exclude each other: a file has its "
			"own size");
	if (!b->file)
		return make_memory(b);
	ret = open_file(b);
	if (!ret)
		ret = check_file(b);
	b->in_memory = !ret && !fstatfs(b->fd, &fs) && fs.f_type == TMPFS_MAGIC;
	return ret;
}

/* ---- Operations ---- */

static int64_t do_once(int fd, const struct io *io)
{
	const int hole = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	off_t offset = (off_t)io->offset;

	switch (io->kind) {
	case IO_READ:
		return preadv(fd, io->iov, io->count, offset);
	case IO_WRITE:
		return pwritev(fd, io->iov, io->count, offset);
	case IO_FLUSH:
		return fdatasync(fd);
	case IO_PUNCH:
		return fallocate(fd, hole, offset, (off_t)io->length);
	default:
		return fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, offset,
				 (off_t)io->length);
	}
}

void io_do(int fd, struct io *io)
{
	io->result = do_once(fd, io);
	if (io->result < 0)
		io->result = -errno;
}

void io_list_add(struct io_list *list, struct io *io)
{
	io->next = NULL;
	*list->last = io;
	list->last = &io->next;
}

struct io *io_list_take(struct io_list *list)
{
	struct io *io = list->first;

	if (io) {
		list->first = io->next;
		if (!io->next)
			list->last = &list->first;
	}
	return io;
}

/* ---- Memory: at once ---- */

static void direct_start(struct virtio_blk *b)
{
	struct io *io;

	while ((io = io_list_take(&b->todo))) {
		io_do(b->fd, io);
		io_list_add(&b->done, io);
	}
}

static struct io *direct_next(struct virtio_blk *b)
{
	return io_list_take(&b->done);
}

static void direct_nothing(struct virtio_blk *b)
{
	(void)b;
}

void direct_create(struct virtio_blk *b)
{
	static const struct engine engine = { direct_start, direct_next, direct_nothing,
					      direct_nothing, direct_nothing };

	b->engine = &engine;
}
