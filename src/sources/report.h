// Report: what reading and publishing came to, told to the log and on the control page.
#ifndef SHMCONF_SOURCES_REPORT_H_
#define SHMCONF_SOURCES_REPORT_H_

#include "shmconf/result.h"
#include "sources/liveness.h"
#include "sources/publication.h"
#include "sources/publish_target.h"

namespace shmconf::sources {

// True: the segment holds what Consul has, by this process or (kMoved) by the other one.
bool report(const Result<Published>& step, PublishTarget& target, Liveness& liveness);

}  // namespace shmconf::sources

#endif  // SHMCONF_SOURCES_REPORT_H_
