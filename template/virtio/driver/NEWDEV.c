// SPDX-License-Identifier: GPL-2.0-only
/* Driver of NEWDEV: write a number to the sysfs file `invert`, read its inverse from it. */
#include <linux/completion.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>

#define NEWDEV_VIRTIO_ID 63

struct NEWDEV_config {
	__le32 requests;
};

struct NEWDEV {
	struct virtqueue *vq;
	struct mutex lock; /* one request at a time */
	struct completion done;
	__le32 in, out; /* of the request */
};

static void NEWDEV_done(struct virtqueue *vq)
{
	struct NEWDEV *dev = vq->vdev->priv;
	unsigned int length;

	while (virtqueue_get_buf(vq, &length))
		complete(&dev->done);
}

static int NEWDEV_request(struct NEWDEV *dev, u32 number)
{
	struct scatterlist in, out, *sgs[] = { &in, &out };
	int ret;

	dev->in = cpu_to_le32(number);
	sg_init_one(&in, &dev->in, sizeof(dev->in));
	sg_init_one(&out, &dev->out, sizeof(dev->out));
	reinit_completion(&dev->done);
	ret = virtqueue_add_sgs(dev->vq, sgs, 1, 1, dev, GFP_KERNEL);
	if (ret)
		return ret;
	virtqueue_kick(dev->vq);
	return wait_for_completion_timeout(&dev->done, HZ) ? 0 : -ETIMEDOUT;
}

static ssize_t invert_store(struct device *device, struct device_attribute *attr,
			    const char *text, size_t size)
{
	struct NEWDEV *dev = dev_to_virtio(device)->priv;
	u32 value;
	int ret;

	if (kstrtou32(text, 0, &value))
		return -EINVAL;
	mutex_lock(&dev->lock);
	ret = NEWDEV_request(dev, value);
	mutex_unlock(&dev->lock);
	return ret ? ret : size;
}

static ssize_t invert_show(struct device *device, struct device_attribute *attr, char *text)
{
	struct NEWDEV *dev = dev_to_virtio(device)->priv;

	return sysfs_emit(text, "0x%08x\n", le32_to_cpu(dev->out));
}
static DEVICE_ATTR_RW(invert);

static ssize_t requests_show(struct device *device, struct device_attribute *attr, char *text)
{
	u32 requests;

	virtio_cread_le(dev_to_virtio(device), struct NEWDEV_config, requests, &requests);
	return sysfs_emit(text, "%u\n", requests);
}
static DEVICE_ATTR_RO(requests);

static struct attribute *NEWDEV_attrs[] = { &dev_attr_invert.attr, &dev_attr_requests.attr, NULL };
ATTRIBUTE_GROUPS(NEWDEV);

static int NEWDEV_probe(struct virtio_device *vdev)
{
	struct NEWDEV *dev = kzalloc(sizeof(*dev), GFP_KERNEL);

	if (!dev)
		return -ENOMEM;
	mutex_init(&dev->lock);
	init_completion(&dev->done);
	vdev->priv = dev;
	dev->vq = virtio_find_single_vq(vdev, NEWDEV_done, "requests");
	if (IS_ERR(dev->vq)) {
		int ret = PTR_ERR(dev->vq);

		kfree(dev);
		return ret;
	}
	virtio_device_ready(vdev);
	return 0;
}

static void NEWDEV_remove(struct virtio_device *vdev)
{
	virtio_reset_device(vdev);
	vdev->config->del_vqs(vdev);
	kfree(vdev->priv);
}

static const struct virtio_device_id NEWDEV_ids[] = {
	{ NEWDEV_VIRTIO_ID, VIRTIO_DEV_ANY_ID }, { 0 }
};
MODULE_DEVICE_TABLE(virtio, NEWDEV_ids);

static struct virtio_driver NEWDEV_driver = {
	.driver.name = "NEWDEV",
	.driver.owner = THIS_MODULE,
	.driver.dev_groups = NEWDEV_groups,
	.id_table = NEWDEV_ids,
	.probe = NEWDEV_probe,
	.remove = NEWDEV_remove,
};
module_virtio_driver(NEWDEV_driver);

MODULE_DESCRIPTION("Driver of NEWDEV");
MODULE_LICENSE("GPL");
