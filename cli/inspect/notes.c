/* SPDX-License-Identifier: MIT */
/* What QEMU's vfio-user client does slowly with such a device, or not at all: docs/clients.md.
 */
#include <linux/pci_regs.h>

#include "inspect/inspect.h"

/* Linux gives a device no more vectors of one CPU: what x86 has left of 256. */
enum { VECTORS_OF_A_CPU = 194 };

static bool has_shared_window(const struct riser_pci_device *pci)
{
	riser_each(bar, &pci->bars) {
		riser_each(window, &bar->windows) {
			if (window->shared)
				return true;
		}
	}
	return false;
}

static bool has_ports(struct riser_host *host)
{
	struct riser_host_bar bar;

	for (unsigned i = 0; i < 6; i++) {
		if (!riser_host_bar(host, i, &bar) && bar.size && bar.kind == RISER_IO)
			return true;
	}
	return false;
}

static unsigned count_msix(struct riser_host *host)
{
	unsigned at = riser_host_find_cap(host, PCI_CAP_ID_MSIX, false);
	uint32_t flags = 0;

	if (!at || riser_host_config_read(host, at + PCI_MSIX_FLAGS, 2, &flags))
		return 0;
	return (flags & PCI_MSIX_FLAGS_QSIZE) + 1;
}

void notes_each(const struct session *session, void (*each)(void *arg, const char *words),
		void *arg)
{
	unsigned vectors = count_msix(session->host);
	uint32_t pin = 0;

	riser_host_config_read(session->host, PCI_INTERRUPT_PIN, 1, &pin);
	if (pin && session->pci && has_shared_window(session->pci))
		each(arg, "over INTx QEMU's vfio-user client traps the shared windows from the "
			  "first interrupt on, and for good: use MSI or MSI-X");
	if (vectors)
		each(arg,
		     "QEMU 11.1 aborts when a vfio-user device with MSI-X is unplugged: add "
		     "the option msix=off for a guest that unplugs it");
	if (vectors > VECTORS_OF_A_CPU)
		each(arg,
		     "more MSI-X vectors than one CPU of a guest takes (194): a driver gets "
		     "them all only with more CPUs (riser run --smp)");
	if (has_ports(session->host))
		each(arg,
		     "each access to an I/O port waits for its answer, a write too: what a "
		     "driver moves byte by byte is slow");
}
