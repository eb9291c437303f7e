/* SPDX-License-Identifier: MIT */
/* Interrupts of queues and configuration (virtio 4.1.5.3, 4.1.5.4). */
#include "virtio/virtio.h"

/* With MSI-X each has its vector; without, both share INTx, and the ISR tells which it was. */
void riser__virtio_interrupt(struct riser__virtio *virtio, uint8_t isr, uint16_t vector)
{
	struct riser_dev *dev = virtio->dev;

	if (riser_irq_mode(dev) == RISER_IRQ_MSIX) {
		if (vector != RISER__NO_VECTOR)
			riser_irq_raise(dev, vector);
		return;
	}
	pthread_mutex_lock(&virtio->irq_lock);
	virtio->isr |= isr;
	riser_irq_raise(dev, 0);
	pthread_mutex_unlock(&virtio->irq_lock);
}

uint8_t riser__virtio_take_isr(struct riser__virtio *virtio)
{
	uint8_t isr;

	pthread_mutex_lock(&virtio->irq_lock);
	isr = virtio->isr;
	virtio->isr = 0;
	riser_irq_lower(virtio->dev, 0);
	pthread_mutex_unlock(&virtio->irq_lock);
	return isr;
}

void riser_virtio_config_changed(struct riser_dev *dev)
{
	struct riser__virtio *virtio = riser__virtio_of(dev);

	virtio->state->regs.config_generation++;
	if (virtio->running)
		riser__virtio_interrupt(virtio, RISER__ISR_CONFIG, virtio->config_vector);
}
