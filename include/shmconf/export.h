// SHMCONF_EXPORT: marks what the shared library shows; everything else is hidden.
#ifndef SHMCONF_EXPORT_H_
#define SHMCONF_EXPORT_H_

#define SHMCONF_EXPORT __attribute__((visibility("default")))

#endif  // SHMCONF_EXPORT_H_
