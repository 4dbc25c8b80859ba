/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.h - the numbers of an instance, in the text that Prometheus reads (parent only) */
#ifndef RK_PARENT_METRICS_H
#define RK_PARENT_METRICS_H

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct api_info;
struct ports;

/**
 * metrics_text()
 * @ports:	with what ports_ask_stats() has brought; NULL: none can be published
 * Return: malloc'ed; NULL when memory is short
 */
char *metrics_text(const struct api_info *info, const struct ports *ports);

#endif
