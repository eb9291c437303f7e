/* SPDX-License-Identifier: MIT-0 */
/* No network: the cable is not plugged in. */
#include "net.h"

static int none_open(struct net *net, const char *path)
{
	(void)net, (void)path;
	return 0;
}

static void none_close(struct net *net)
{
	(void)net;
}

static bool none_ready(struct net *net)
{
	(void)net;
	return true;
}

static void none_send(struct net *net, const uint8_t *frame, size_t length)
{
	(void)net, (void)frame, (void)length;
}

static void none_timer(struct net *net, unsigned timer)
{
	(void)net, (void)timer;
}

const struct network network_none = { none_open,  none_close, none_ready, none_send,
				      none_close, none_close, none_timer };
