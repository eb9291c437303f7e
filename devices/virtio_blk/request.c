/* SPDX-License-Identifier: MIT-0 */
/* Requests (virtio 5.2.6): each is a series of operations on the disk, and then its status. */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/uio.h>

#include "blk.h"

/* What is written where neither holes nor ranges of zeroes are known to the file system. */
enum { ZERO_BLOCK = 64 << 10, ZERO_BLOCKS = 16 };
static const uint8_t zeroes[ZERO_BLOCK];
#define Z                                                                                      \
	{                                                                                      \
		(void *)zeroes, ZERO_BLOCK                                                     \
	}
static const struct iovec zero_iov[ZERO_BLOCKS] = { Z, Z, Z, Z, Z, Z, Z, Z,
						    Z, Z, Z, Z, Z, Z, Z, Z };
#undef Z

/* ---- The end ---- */

/* The status is the last byte; data that an error kept away are zeroes. */
static void answer(struct virtio_blk *b, struct request *r, uint8_t status)
{
	uint64_t bit = RISER_VIRTIO_BIT(riser_vq_index(r->vq));

	if (!(b->batches & bit)) {
		b->batches |= bit;
		riser_vq_begin(r->vq);
	}
	riser_chain_zero(r->chain, riser_chain_room(r->chain) - 1);
	riser_chain_write(r->chain, &status, sizeof(status));
	riser_vq_push(r->vq, r->chain);
}

static void end_batches(struct virtio_blk *b)
{
	while (b->batches) {
		unsigned index = (unsigned)__builtin_ctzll(b->batches);

		b->batches &= b->batches - 1;
		riser_vq_end(riser_virtio_vq(b->dev, index));
	}
}

static void begin_io(struct virtio_blk *b, struct request *r, enum io_kind kind)
{
	r->io.kind = kind;
	b->under_way++;
	b->writing += kind == IO_WRITE;
	io_list_add(&b->todo, &r->io);
}

/* Without a write cache that the driver knows of a write lasts once it is answered. */
static bool is_write_through(const struct virtio_blk *b)
{
	if (riser_virtio_has(b->dev, VIRTIO_BLK_F_CONFIG_WCE))
		return !b->writeback;
	return !riser_virtio_has(b->dev, VIRTIO_BLK_F_FLUSH);
}

/* All was done. */
static void succeed(struct virtio_blk *b, struct request *r)
{
	if (r->flushing || r->type == VIRTIO_BLK_T_IN || r->type == VIRTIO_BLK_T_FLUSH ||
	    !is_write_through(b)) {
		answer(b, r, VIRTIO_BLK_S_OK);
		return;
	}
	r->flushing = true;
	begin_io(b, r, IO_FLUSH);
}

/* ---- Reads and writes ---- */

static bool is_on_disk(const struct virtio_blk *b, uint64_t sector, uint64_t length)
{
	return sector <= b->length / SECTOR && length <= b->length - sector * SECTOR;
}

static void move(struct virtio_blk *b, struct request *r)
{
	r->io.iov = r->iov;
	r->io.count = r->count < IOV_MAX ? r->count : IOV_MAX;
	if (r->into) {
		r->rest = (struct iovec){ (char *)r->iov->iov_base + r->into,
					  r->iov->iov_len - r->into };
		r->io.iov = &r->rest;
		r->io.count = 1;
	}
	begin_io(b, r, r->type == VIRTIO_BLK_T_IN ? IO_READ : IO_WRITE);
}

/* The file may give or take less than it was asked for. */
static void moved(struct virtio_blk *b, struct request *r, size_t bytes)
{
	r->io.offset += bytes;
	bytes += r->into;
	while (r->count && bytes >= r->iov->iov_len) {
		bytes -= r->iov->iov_len;
		r->iov++;
		r->count--;
	}
	r->into = bytes;
	if (r->count)
		move(b, r);
	else
		succeed(b, r);
}

static void start_move(struct virtio_blk *b, struct request *r, uint64_t sector)
{
	bool in = r->type == VIRTIO_BLK_T_IN;
	size_t length = in ? riser_chain_room(r->chain) - 1 : riser_chain_left(r->chain);

	if (length % SECTOR || !is_on_disk(b, sector, length) || (!in && b->readonly) ||
	    riser_chain_map(r->chain, in, length, &r->iov, &r->count)) {
		answer(b, r, VIRTIO_BLK_S_IOERR);
		return;
	}
	r->io.offset = sector * SECTOR;
	if (r->count)
		move(b, r);
	else
		succeed(b, r);
}

/* ---- Discard and write-zeroes ---- */

/* The range's zeroes are written out, some at a time. */
static void write_zeroes(struct virtio_blk *b, struct request *r)
{
	uint64_t blocks = r->left / ZERO_BLOCK;

	r->io.iov = zero_iov;
	r->io.count = blocks < ZERO_BLOCKS ? (int)blocks : ZERO_BLOCKS;
	if (!blocks) {
		r->rest = (struct iovec){ (void *)zeroes, r->left };
		r->io.iov = &r->rest;
		r->io.count = 1;
	}
	begin_io(b, r, IO_WRITE);
}

static void next_range(struct virtio_blk *b, struct request *r)
{
	struct virtio_blk_discard_write_zeroes range;
	uint32_t flags, sectors, most = DISCARD_MAX;
	bool unmap = true, known;
	uint64_t sector;

	if (!riser_chain_left(r->chain)) {
		succeed(b, r);
		return;
	}
	if (riser_chain_read(r->chain, &range, sizeof(range)) < sizeof(range)) {
		answer(b, r, VIRTIO_BLK_S_IOERR);
		return;
	}
	flags = le32toh(range.flags);
	sector = le64toh(range.sector);
	sectors = le32toh(range.num_sectors);
	known = !flags;
	if (r->type == VIRTIO_BLK_T_WRITE_ZEROES) {
		most = WRITE_ZEROES_MAX;
		unmap = flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
		known = !(flags & ~(uint32_t)VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP);
	}
	if (!known) {
		answer(b, r, VIRTIO_BLK_S_UNSUPP);
		return;
	}
	if (sectors > most || !is_on_disk(b, sector, (uint64_t)sectors * SECTOR)) {
		answer(b, r, VIRTIO_BLK_S_IOERR);
		return;
	}
	r->io.offset = sector * SECTOR;
	r->io.length = r->left = (uint64_t)sectors * SECTOR;
	if (!r->left)
		next_range(b, r);
	else
		begin_io(b, r, unmap ? IO_PUNCH : IO_ZERO);
}

static void start_ranges(struct virtio_blk *b, struct request *r)
{
	size_t length = riser_chain_left(r->chain);
	const size_t one = sizeof(struct virtio_blk_discard_write_zeroes);
	unsigned feature = r->type == VIRTIO_BLK_T_DISCARD ? VIRTIO_BLK_F_DISCARD
							   : VIRTIO_BLK_F_WRITE_ZEROES;

	if (!riser_virtio_has(b->dev, feature))
		answer(b, r, VIRTIO_BLK_S_UNSUPP);
	else if (!length || length % one || length / one > RANGES_MAX)
		answer(b, r, VIRTIO_BLK_S_IOERR);
	else
		next_range(b, r);
}

/* What the file system cannot do: a discard need not be done, zeroes there have to be. */
static void range_refused(struct virtio_blk *b, struct request *r)
{
	if (r->type == VIRTIO_BLK_T_DISCARD)
		next_range(b, r);
	else if (r->io.kind == IO_PUNCH)
		begin_io(b, r, IO_ZERO);
	else
		write_zeroes(b, r);
}

static void zeroes_written(struct virtio_blk *b, struct request *r, size_t bytes)
{
	r->io.offset += bytes;
	r->left -= bytes;
	if (r->left)
		write_zeroes(b, r);
	else
		next_range(b, r);
}

/* ---- Operations that have ended ---- */

/* The first few lines and then ever fewer: a guest tries for as long as it likes. */
static void failed(struct virtio_blk *b, struct request *r)
{
	static const char *const verbs[] = { [IO_READ] = "read",
					     [IO_WRITE] = "write",
					     [IO_FLUSH] = "flush",
					     [IO_PUNCH] = "discard",
					     [IO_ZERO] = "write zeroes" };
	int64_t result = r->io.result;

	b->errors++;
	if (b->errors <= 8 || !(b->errors & (b->errors - 1)))
		riser_log(b->dev, RISER_ERROR,
			  "%s: cannot %s at byte %" PRIu64 ": %s (%" PRIu64 " so far)",
			  b->file ? b->file : "memory", verbs[r->io.kind], r->io.offset,
			  result ? strerror((int)-result) : "the file was cut off", b->errors);
	answer(b, r, VIRTIO_BLK_S_IOERR);
}

static void go_on(struct virtio_blk *b, struct request *r)
{
	int64_t result = r->io.result;
	bool moves = r->io.kind == IO_READ || r->io.kind == IO_WRITE;

	if (result == -EINTR || result == -EAGAIN)
		begin_io(b, r, r->io.kind);
	else if (result == -EOPNOTSUPP && (r->io.kind == IO_PUNCH || r->io.kind == IO_ZERO))
		range_refused(b, r);
	else if (result < 0 || (moves && !result))
		failed(b, r);
	else if (r->io.kind == IO_FLUSH)
		succeed(b, r);
	else if (!moves)
		next_range(b, r);
	else if (r->type == VIRTIO_BLK_T_WRITE_ZEROES)
		zeroes_written(b, r, (size_t)result);
	else
		moved(b, r, (size_t)result);
}

static struct request *request_of(struct io *io)
{
	return (struct request *)((char *)io - offsetof(struct request, io));
}

static void leave_io(struct virtio_blk *b, const struct io *io)
{
	b->under_way--;
	b->writing -= io->kind == IO_WRITE;
}

static bool is_wanted(const struct virtio_blk *b, const struct request *r)
{
	return r->epoch == b->epochs[riser_vq_index(r->vq)];
}

static bool take_ended(struct virtio_blk *b)
{
	struct io *io = b->engine->next(b);
	struct request *r;

	if (!io)
		return false;
	leave_io(b, io);
	r = request_of(io);
	if (is_wanted(b, r))
		go_on(b, r);
	else
		riser_vq_push(r->vq, r->chain);
	return true;
}

void requests_cancel(struct virtio_blk *b, struct riser_vq *vq)
{
	struct io_list wanted;
	struct io *io;

	for (unsigned i = 0; i < b->queues; i++) {
		if (vq == riser_virtio_vq(b->dev, i) ||
		    !riser_vq_live(riser_virtio_vq(b->dev, i)))
			b->epochs[i]++;
	}
	b->engine->recall(b);
	io_list_init(&wanted);
	while ((io = io_list_take(&b->todo))) {
		struct request *r = request_of(io);

		if (is_wanted(b, r)) {
			io_list_add(&wanted, io);
			continue;
		}
		leave_io(b, io);
		riser_vq_push(r->vq, r->chain);
	}
	while ((io = io_list_take(&wanted)))
		io_list_add(&b->todo, io);
	requests_go_on(b);
}

void requests_go_on(struct virtio_blk *b)
{
	bool some;

	do {
		b->engine->start(b);
		some = false;
		while (take_ended(b))
			some = true;
	} while (some);
	end_batches(b);
}

void requests_finish_writes(struct virtio_blk *b)
{
	requests_go_on(b);
	while (b->writing) {
		b->engine->wait(b);
		requests_go_on(b);
	}
}

void requests_finish(struct virtio_blk *b)
{
	requests_go_on(b);
	while (b->under_way) {
		b->engine->wait(b);
		requests_go_on(b);
	}
}

/* ---- The beginning ---- */

static void get_id(struct virtio_blk *b, struct request *r)
{
	char id[VIRTIO_BLK_ID_BYTES] = "";
	size_t room = riser_chain_room(r->chain) - 1;

	if (b->serial)
		memcpy(id, b->serial, strnlen(b->serial, sizeof(id)));
	riser_chain_write(r->chain, id, room < sizeof(id) ? room : sizeof(id));
	answer(b, r, VIRTIO_BLK_S_OK);
}

static void start(struct virtio_blk *b, struct request *r, uint64_t sector)
{
	switch (r->type) {
	case VIRTIO_BLK_T_IN:
	case VIRTIO_BLK_T_OUT:
		start_move(b, r, sector);
		break;
	case VIRTIO_BLK_T_FLUSH:
		begin_io(b, r, IO_FLUSH);
		break;
	case VIRTIO_BLK_T_GET_ID:
		get_id(b, r);
		break;
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		start_ranges(b, r);
		break;
	default:
		answer(b, r, VIRTIO_BLK_S_UNSUPP);
	}
}

void requests_take(struct virtio_blk *b, struct riser_vq *vq)
{
	struct virtio_blk_outhdr header;
	struct riser_chain *chain;

	while (b->locked && (chain = riser_vq_pop(vq))) {
		struct request *r = riser_chain_request(chain);

		if (riser_chain_read(chain, &header, sizeof(header)) < sizeof(header) ||
		    !riser_chain_room(chain)) {
			riser_virtio_needs_reset(b->dev,
						 "a request without a header or a status");
			riser_vq_push(vq, chain);
			break;
		}
		r->chain = chain;
		r->vq = vq;
		r->type = le32toh(header.type);
		r->epoch = b->epochs[riser_vq_index(vq)];
		start(b, r, le64toh(header.sector));
	}
	requests_go_on(b);
}
