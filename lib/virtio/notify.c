/* SPDX-License-Identifier: MIT */
/* Interrupts of queues and configuration (virtio 4.1.5.3, 4.1.5.4), and the ISR status. */
#include "pci/function.h"
#include "virtio/virtio.h"

/* The bits and the line of INTx go together. */
static void set_isr(struct riser__virtio *virtio, uint8_t bits)
{
	pthread_mutex_lock(&virtio->irq_lock);
	virtio->isr |= bits;
	riser__irq_set_line(virtio->dev, true);
	pthread_mutex_unlock(&virtio->irq_lock);
}

static void send(struct riser__virtio *virtio, uint16_t vector)
{
	if (vector != RISER__NO_VECTOR)
		riser_irq_raise(virtio->dev, vector);
}

/* With MSI-X each queue has its vector, and the ISR says nothing of it (virtio 4.1.4.5.1). */
void riser__virtio_notify_queue(struct riser__virtio *virtio, uint16_t vector)
{
	if (riser_irq_mode(virtio->dev) == RISER_IRQ_MSIX)
		send(virtio, vector);
	else
		set_isr(virtio, RISER__ISR_QUEUE);
}

/* The ISR tells of the configuration in every mode: some drivers look there and nowhere else.
 */
void riser__virtio_notify_config(struct riser__virtio *virtio)
{
	set_isr(virtio, RISER__ISR_CONFIG);
	if (riser_irq_mode(virtio->dev) == RISER_IRQ_MSIX)
		send(virtio, virtio->config_vector);
}

uint8_t riser__virtio_take_isr(struct riser__virtio *virtio)
{
	uint8_t isr;

	pthread_mutex_lock(&virtio->irq_lock);
	isr = virtio->isr;
	virtio->isr = 0;
	riser__irq_set_line(virtio->dev, false);
	pthread_mutex_unlock(&virtio->irq_lock);
	return isr;
}

/* Counted up only once it was seen: however many changes there are, it differs then. */
void riser_virtio_config_changed(struct riser_dev *dev)
{
	struct riser__virtio *virtio = riser__virtio_of(dev);

	if (virtio->generation_seen)
		virtio->state->regs.config_generation++;
	virtio->generation_seen = false;
	if (virtio->running)
		riser__virtio_notify_config(virtio);
}
