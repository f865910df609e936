/* Checks of the C ABI that are compiled as C99. Each returns NULL, or what was wrong. */
#ifndef SHMCONF_TESTS_UNIT_READER_C_ABI_H_
#define SHMCONF_TESTS_UNIT_READER_C_ABI_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A segment with keys: a="1", b="two\0", dir/x="30s" (flags 9), dir/y="true"; pointer dir/y#/z. */
const char* c_check_gets(const char* root);
const char* c_check_snapshot(const char* root);
const char* c_check_status(const char* root);
const char* c_check_opens(const char* root, const char* backup_file);
/* binary: a program that does nothing, with success. */
const char* c_check_launches(const char* root, const char* binary);
/* publish() publishes another generation in which a="2" and b is gone. */
const char* c_check_changes(const char* root, void (*publish)(void*), void* context);

#ifdef __cplusplus
}
#endif

#endif /* SHMCONF_TESTS_UNIT_READER_C_ABI_H_ */
