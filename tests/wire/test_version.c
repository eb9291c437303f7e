/* SPDX-License-Identifier: MIT */
/* VERSION: what is agreed on; what is refused is in malformed_version.c. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "wire.h"

static void test_version(void **state)
{
	struct wire *w = *state;
	const char *json;

	w->fd = wire_connect(w);
	wire_negotiate(w);
	json = (const char *)w->in.payload + 4;
	assert_int_equal(w->in.payload[0] | w->in.payload[2], 0);
	assert_int_equal(w->in.payload[w->in.size - 1], 0);
	assert_true(w->in.size <= 4 + strlen(wire_capabilities) + 1);
	assert_non_null(strstr(json, "\"max_msg_fds\":16"));
	assert_non_null(strstr(json, "\"max_data_xfer_size\":1048576"));
	assert_non_null(strstr(json, "\"max_dma_maps\":65535"));
	assert_non_null(strstr(json, "\"pgsizes\":4096"));
	assert_non_null(strstr(json, "\"write_multiple\":true"));
	assert_non_null(strstr(json, "\"migration\":{\"pgsize\":4096"));
}

/* The reply holds what was proposed only, and is not longer than the request. */
static void test_version_small(void **state)
{
	static const struct {
		const char *json, *reply;
	} cases[] = {
		{ NULL, "" },
		{ "{}", "" },
		{ "{\"capabilities\":{}}", "{\"capabilities\":{}}" },
		{ "{\"capabilities\":{\"max_msg_fds\":3}}",
		  "{\"capabilities\":{\"max_msg_fds\":3}}" },
		{ "{\"capabilities\":{\"max_data_xfer_size\":4096,\"strange\":[1,{}]}}",
		  "{\"capabilities\":{\"max_data_xfer_size\":4096}}" },
		{ "{\"capabilities\":{\"twin_socket\":{\"supported\":true}}}",
		  "{\"capabilities\":{}}" },
		{ "{\"capabilities\":{\"write_multiple\":false}}", "{\"capabilities\":{}}" },
		{ "{\"capabilities\":{\"max_dma_maps\":99999999999}}",
		  "{\"capabilities\":{\"max_dma_maps\":65535}}" },
		{ "{\"capabilities\":{\"max_msg_fds\":1,\"max_msg_fds\":2}}",
		  "{\"capabilities\":{\"max_msg_fds\":2}}" },
	};
	struct wire *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t payload[256] = { 0, 0, 7, 0 }; /* minor 7: 0 is answered */
		size_t size = cases[i].json ? strlen(cases[i].json) + 1 : 0;

		w->fd = wire_connect(w);
		if (size)
			memcpy(payload + 4, cases[i].json, size);
		assert_int_equal(wire_call(w, WIRE_VERSION, payload, 4 + size), 0);
		assert_true(w->in.size <= 4 + size);
		assert_int_equal(w->in.payload[2], 0);
		w->in.payload[w->in.size] = 0;
		assert_string_equal((char *)w->in.payload + 4, cases[i].reply);
		close(w->fd);
		w->fd = -1;
	}
}

/* A version that cannot be talked is refused, and the connection closed. */
static void test_other_major(void **state)
{
	struct wire *w = *state;
	uint16_t version[2] = { 1, 0 };

	w->fd = wire_connect(w);
	assert_int_equal(wire_call(w, WIRE_VERSION, version, 4), EPROTONOSUPPORT);
	assert_false(wire_receive(w));
	wire_reconnect(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_version, wire_setup_unconnected,
						wire_teardown),
		cmocka_unit_test_setup_teardown(test_version_small, wire_setup_unconnected,
						wire_teardown),
		cmocka_unit_test_setup_teardown(test_other_major, wire_setup_unconnected,
						wire_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
