// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio_test - driver of the virtio test device: for every change of the configuration that
 * the device announces, the next number goes through the queue.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/workqueue.h>

#define VIRTIO_ID_TEST 21
#define VIRTIO_TEST_F_CAN_PRINT 0

struct virtio_test_config {
	__le32 num_pages;
	__le32 actual;
	__le32 event;
};

struct virtio_test {
	struct virtio_device *vdev;
	struct virtqueue *vq;
	struct work_struct work;
	spinlock_t lock;     /* of the queue */
	bool stopping;
	u32 counter; /* the last number that was sent */
	u32 acks;    /* those that came back, and what the device had before */
};

static int virtio_test_send(struct virtio_test *vt, u32 number)
{
	struct scatterlist sg;
	unsigned long flags;
	__le32 *buffer;
	int ret;

	buffer = kmalloc(sizeof(*buffer), GFP_KERNEL);
	if (!buffer)
		return -ENOMEM;
	*buffer = cpu_to_le32(number);
	sg_init_one(&sg, buffer, sizeof(*buffer));
	spin_lock_irqsave(&vt->lock, flags);
	ret = virtqueue_add_outbuf(vt->vq, &sg, 1, buffer, GFP_ATOMIC);
	if (!ret)
		virtqueue_kick(vt->vq);
	spin_unlock_irqrestore(&vt->lock, flags);
	if (ret)
		kfree(buffer);
	return ret;
}

/* Announcements may have become one interrupt: the device says how many there were. */
static void virtio_test_work(struct work_struct *work)
{
	struct virtio_test *vt = container_of(work, struct virtio_test, work);
	u32 event;

	virtio_cread_le(vt->vdev, struct virtio_test_config, event, &event);
	while (vt->counter != event && !virtio_test_send(vt, vt->counter + 1))
		vt->counter++;
}

static void virtio_test_changed(struct virtio_device *vdev)
{
	struct virtio_test *vt = vdev->priv;
	unsigned long flags;

	spin_lock_irqsave(&vt->lock, flags);
	if (!vt->stopping)
		schedule_work(&vt->work);
	spin_unlock_irqrestore(&vt->lock, flags);
}

static void virtio_test_ack(struct virtqueue *vq)
{
	struct virtio_test *vt = vq->vdev->priv;
	unsigned long flags;
	unsigned int length;
	void *buffer;

	spin_lock_irqsave(&vt->lock, flags);
	while ((buffer = virtqueue_get_buf(vq, &length))) {
		vt->acks++;
		dev_info(&vq->vdev->dev, "virttest get ack\n");
		kfree(buffer);
	}
	spin_unlock_irqrestore(&vt->lock, flags);
}

static ssize_t counter_show(struct device *dev, struct device_attribute *attr, char *to)
{
	struct virtio_test *vt = dev_to_virtio(dev)->priv;

	return sysfs_emit(to, "%u\n", vt->counter);
}
static DEVICE_ATTR_RO(counter);

static ssize_t acks_show(struct device *dev, struct device_attribute *attr, char *to)
{
	struct virtio_test *vt = dev_to_virtio(dev)->priv;

	return sysfs_emit(to, "%u\n", vt->acks);
}
static DEVICE_ATTR_RO(acks);

static struct attribute *virtio_test_attrs[] = {
	&dev_attr_counter.attr,
	&dev_attr_acks.attr,
	NULL
};
ATTRIBUTE_GROUPS(virtio_test);

/* Takes the queue and goes on behind the last number that the device says it has. */
static int virtio_test_start(struct virtio_test *vt)
{
	struct virtio_device *vdev = vt->vdev;

	vt->vq = virtio_find_single_vq(vdev, virtio_test_ack, "print");
	if (IS_ERR(vt->vq))
		return PTR_ERR(vt->vq);
	/* An earlier driver may have sent some. */
	virtio_cread_le(vdev, struct virtio_test_config, actual, &vt->counter);
	vt->acks = vt->counter;
	vt->stopping = false;
	virtio_device_ready(vdev);
	schedule_work(&vt->work);
	return 0;
}

static void virtio_test_stop(struct virtio_test *vt)
{
	void *buffer;

	spin_lock_irq(&vt->lock);
	vt->stopping = true;
	spin_unlock_irq(&vt->lock);
	cancel_work_sync(&vt->work);
	virtio_reset_device(vt->vdev);
	while ((buffer = virtqueue_detach_unused_buf(vt->vq)))
		kfree(buffer);
	vt->vdev->config->del_vqs(vt->vdev);
}

static int virtio_test_probe(struct virtio_device *vdev)
{
	struct virtio_test *vt;
	int ret;

	if (!virtio_has_feature(vdev, VIRTIO_TEST_F_CAN_PRINT)) {
		dev_err(&vdev->dev, "the device does not print\n");
		return -ENODEV;
	}
	vt = kzalloc(sizeof(*vt), GFP_KERNEL);
	if (!vt)
		return -ENOMEM;
	vt->vdev = vdev;
	vdev->priv = vt;
	INIT_WORK(&vt->work, virtio_test_work);
	spin_lock_init(&vt->lock);
	ret = virtio_test_start(vt);
	if (ret)
		kfree(vt);
	return ret;
}

static void virtio_test_remove(struct virtio_device *vdev)
{
	virtio_test_stop(vdev->priv);
	kfree(vdev->priv);
}

/* The device may lose its power, and with it the queue and its numbers. */
static int __maybe_unused virtio_test_freeze(struct virtio_device *vdev)
{
	virtio_test_stop(vdev->priv);
	return 0;
}

static int __maybe_unused virtio_test_restore(struct virtio_device *vdev)
{
	return virtio_test_start(vdev->priv);
}

static const struct virtio_device_id virtio_test_ids[] = {
	{ VIRTIO_ID_TEST, VIRTIO_DEV_ANY_ID },
	{ 0 }
};
MODULE_DEVICE_TABLE(virtio, virtio_test_ids);

static const unsigned int virtio_test_features[] = { VIRTIO_TEST_F_CAN_PRINT };

static struct virtio_driver virtio_test_driver = {
	.feature_table = virtio_test_features,
	.feature_table_size = ARRAY_SIZE(virtio_test_features),
	.driver.name = "virtio_test",
	.driver.owner = THIS_MODULE,
	.driver.dev_groups = virtio_test_groups,
	.id_table = virtio_test_ids,
	.probe = virtio_test_probe,
	.remove = virtio_test_remove,
	.config_changed = virtio_test_changed,
#ifdef CONFIG_PM_SLEEP
	.freeze = virtio_test_freeze,
	.restore = virtio_test_restore,
#endif
};
module_virtio_driver(virtio_test_driver);

MODULE_DESCRIPTION("Driver of the virtio test device");
MODULE_LICENSE("GPL");
