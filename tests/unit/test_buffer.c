/* SPDX-License-Identifier: MIT */
/* The growing buffer: what was added, in order, or a failure that stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/buffer.h"

static void test_grows(void **state)
{
	struct riser__buffer buffer = { 0 };

	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		riser__buffer_add(&buffer, &(uint8_t){ (uint8_t)(i % 251) }, 1);
	riser__buffer_add(&buffer, NULL, 0);
	assert_false(buffer.failed);
	assert_int_equal(buffer.size, 100000);
	for (unsigned i = 0; i < 100000; i++)
		assert_int_equal(buffer.data[i], i % 251);
	riser__buffer_free(&buffer);
	assert_null(buffer.data);
	assert_int_equal(buffer.capacity, 0);
}

static void test_failure_stays(void **state)
{
	struct riser__buffer buffer = { 0 };

	(void)state;
	riser__buffer_add(&buffer, "abc", 3);
	riser__buffer_add(&buffer, "abc", SIZE_MAX - 1); /* more than there can be */
	assert_true(buffer.failed);
	riser__buffer_add(&buffer, "d", 1);
	assert_int_equal(buffer.size, 3);
	assert_memory_equal(buffer.data, "abc", 3);
	riser__buffer_free(&buffer);
	assert_false(buffer.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_failure_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
