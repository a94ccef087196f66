/* A no-op "asahi" kernel driver: Mesa's Honeykrisp opens it as an Apple M1 or M2 and compiles for it; nothing runs.
 *
 * Mesa's own one has the interface before Linux 6.16, which today's Honeykrisp refuses. It builds against Mesa's
 * drm-shim and follows the structure of its drivers.
 *
 * SPDX-License-Identifier: MIT
 */
#include <drm/asahi_drm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drm-shim/drm_shim.h"
#include "util/macros.h"

bool drm_shim_driver_prefers_first_render_node = true;

/* An M1 of 8 cores; ASAHI_GENERATION=14 makes it an M2. */
static struct drm_asahi_params_global params = {
   .gpu_generation = 13,
   .gpu_variant = 'G',
   .gpu_revision = 0x11,
   .chip_id = 0x8103,
   .num_dies = 1,
   .num_clusters_total = 1,
   .num_cores_per_cluster = 8,
   .core_masks = { 0xff },
   .max_frequency_khz = 1278000,
   .vm_start = 0x4000,
   .vm_end = 1ull << 39,
   .vm_kernel_min_size = 0x20000000,
   .max_commands_per_submission = 64,
   .max_attachments = 16,
   .command_timestamp_frequency_hz = 1000000000,
};

static int
noop(int fd, unsigned long request, void *arg)
{
   return 0;
}

static int
get_params(int fd, unsigned long request, void *arg)
{
   struct drm_asahi_get_params *get = arg;
   if (get->param_group != 0)
      return -1;
   memcpy((void *)(uintptr_t)get->pointer, &params, MIN2(get->size, sizeof(params)));
   return 0;
}

/* The driver expects handles other than 0. */
static int
vm_create(int fd, unsigned long request, void *arg)
{
   ((struct drm_asahi_vm_create *)arg)->vm_id = 1;
   return 0;
}

static int
queue_create(int fd, unsigned long request, void *arg)
{
   ((struct drm_asahi_queue_create *)arg)->queue_id = 1;
   return 0;
}

static int
gem_bind_object(int fd, unsigned long request, void *arg)
{
   ((struct drm_asahi_gem_bind_object *)arg)->object_handle = 1;
   return 0;
}

static int
gem_create(int fd, unsigned long request, void *arg)
{
   struct drm_asahi_gem_create *create = arg;
   struct shim_bo *bo = calloc(1, sizeof(*bo));
   int failed = drm_shim_bo_init(bo, create->size);
   if (failed) {
      free(bo);
      return failed;
   }
   create->handle = drm_shim_bo_get_handle(drm_shim_fd_lookup(fd), bo);
   drm_shim_bo_put(bo);
   return 0;
}

static int
gem_mmap_offset(int fd, unsigned long request, void *arg)
{
   struct drm_asahi_gem_mmap_offset *map = arg;
   struct shim_bo *bo = drm_shim_bo_lookup(drm_shim_fd_lookup(fd), map->handle);
   map->offset = drm_shim_bo_get_mmap_offset(drm_shim_fd_lookup(fd), bo);
   drm_shim_bo_put(bo);
   return 0;
}

static ioctl_fn_t ioctls[] = {
   [DRM_ASAHI_GET_PARAMS] = get_params,
   [DRM_ASAHI_GET_TIME] = noop,
   [DRM_ASAHI_VM_CREATE] = vm_create,
   [DRM_ASAHI_VM_DESTROY] = noop,
   [DRM_ASAHI_VM_BIND] = noop,
   [DRM_ASAHI_GEM_CREATE] = gem_create,
   [DRM_ASAHI_GEM_MMAP_OFFSET] = gem_mmap_offset,
   [DRM_ASAHI_GEM_BIND_OBJECT] = gem_bind_object,
   [DRM_ASAHI_QUEUE_CREATE] = queue_create,
   [DRM_ASAHI_QUEUE_DESTROY] = noop,
   [DRM_ASAHI_SUBMIT] = noop,
};

void
drm_shim_driver_init(void)
{
   const char *generation = getenv("ASAHI_GENERATION");
   if (generation)
      params.gpu_generation = atoi(generation);

   shim_device.bus_type = DRM_BUS_PLATFORM;
   shim_device.driver_name = "asahi";
   shim_device.driver_ioctls = ioctls;
   shim_device.driver_ioctl_count = ARRAY_SIZE(ioctls);
   shim_device.version_major = 1;
   drm_shim_override_file("DRIVER=asahi\n"
                          "OF_FULLNAME=/soc/gpu\n"
                          "OF_COMPATIBLE_0=apple,agx-t8103\n"
                          "OF_COMPATIBLE_1=apple,agx-g13g\n"
                          "OF_COMPATIBLE_N=2\n",
                          "/sys/dev/char/%d:%d/device/uevent", DRM_MAJOR, render_node_minor);
}
