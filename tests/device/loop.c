/* SPDX-License-Identifier: MIT */
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS = 6, UNTOUCHED = 0xee };
#define WAIT PATIENCE

unsigned loop_random(struct loop *loop, unsigned below)
{
	return (unsigned)rand_r(&loop->seed) % below;
}

static void get_memory(struct loop *loop, struct loop_buffer *buffer)
{
	buffer->out = riser_driver_alloc(loop->driver, LOOP_BYTES + 4, 1, &buffer->out_iova);
	buffer->in = riser_driver_alloc(loop->driver, LOOP_BYTES, 1, &buffer->in_iova);
	assert_non_null(buffer->out);
	assert_non_null(buffer->in);
}

void loop_open(struct loop *loop, struct riser_host *host,
	       const struct riser_driver_config *config, unsigned size)
{
	*loop = (struct loop){ .host = host, .seed = 1 };
	ok(host, riser_driver_create(host, config, &loop->driver));
	assert_int_equal(riser_driver_queues(loop->driver), LOOP_QUEUES);
	for (unsigned i = 0; i < LOOP_QUEUES; i++) {
		ok(host, riser_driver_queue(loop->driver, i, size, &loop->queues[i]));
		for (unsigned n = 0; n < LOOP_BUFFERS; n++)
			get_memory(loop, &loop->buffers[i][n]);
	}
	ok(host, riser_driver_ready(loop->driver));
}

void loop_close(struct loop *loop)
{
	riser_driver_destroy(loop->driver);
}

/* Cuts [iova, iova + length) into up to PARTS pieces. */
static unsigned cut(struct loop *loop, uint64_t iova, uint32_t length,
		    struct riser_driver_sg *parts)
{
	unsigned most = 1 + loop_random(loop, PARTS), count = 0;

	while (length) {
		uint32_t piece = count + 1 < most ? 1 + loop_random(loop, length) : length;

		parts[count++] = (struct riser_driver_sg){ iova, piece };
		iova += piece;
		length -= piece;
	}
	return count;
}

/* No two words of a run alike. */
static void fill(struct loop *loop, uint8_t *to, uint32_t length)
{
	uint32_t word = loop_random(loop, 1 << 30);

	for (uint32_t i = 0; i < length; i += sizeof(word), word += 0x01020301)
		memcpy(to + i, &word, sizeof(word));
}

bool loop_send(struct loop *loop, unsigned queue)
{
	struct riser_driver_sg out[PARTS], in[PARTS];
	struct loop_buffer *buffer = loop->buffers[queue];
	unsigned outs, ins;
	int ret;

	while (buffer->busy) {
		if (++buffer == loop->buffers[queue] + LOOP_BUFFERS)
			return false;
	}
	buffer->out_length = 1 + loop_random(loop, LOOP_BYTES);
	buffer->in_length = 1 + loop_random(loop, LOOP_BYTES);
	fill(loop, buffer->out, buffer->out_length);
	memset(buffer->in, UNTOUCHED, LOOP_BYTES);
	outs = cut(loop, buffer->out_iova, buffer->out_length, out);
	ins = cut(loop, buffer->in_iova, buffer->in_length, in);
	ret = riser_driver_add(loop->queues[queue], out, outs, in, ins, buffer);
	if (ret == -ENOSPC)
		return false;
	ok(loop->host, ret);
	return buffer->busy = true;
}

void loop_receive(struct loop *loop, unsigned queue)
{
	struct loop_buffer *buffer;
	uint32_t written, expected;
	void *cookie;

	ok(loop->host, riser_driver_wait(loop->queues[queue], &cookie, &written, WAIT));
	buffer = cookie;
	assert_true(buffer->busy);
	expected =
		buffer->out_length < buffer->in_length ? buffer->out_length : buffer->in_length;
	/* With in_order the device may tell the length of the last of a batch only. */
	assert_true(written == expected ||
		    (!written && riser_driver_features(loop->driver) >> 35 & 1));
	assert_memory_equal(buffer->in, buffer->out, expected);
	memset(buffer->out, UNTOUCHED, LOOP_BYTES);
	assert_memory_equal(buffer->in + expected, buffer->out, LOOP_BYTES - expected);
	buffer->busy = false;
}

void loop_run(struct loop *loop, unsigned rounds)
{
	for (unsigned round = 0; round < rounds; round++) {
		unsigned sent[LOOP_QUEUES] = { 0 };

		for (unsigned q = 0; q < LOOP_QUEUES; q++) {
			unsigned wanted = 1 + loop_random(loop, LOOP_BUFFERS);

			while (sent[q] < wanted && loop_send(loop, q))
				sent[q]++;
			assert_true(sent[q]);
			ok(loop->host, riser_driver_kick(loop->queues[q]));
		}
		for (unsigned q = 0; q < LOOP_QUEUES; q++) {
			while (sent[q]) {
				loop_receive(loop, q);
				sent[q]--;
			}
			assert_int_equal(riser_driver_get(loop->queues[q], NULL, NULL),
					 -EAGAIN);
		}
	}
}
