/* cmocka wants these before itself. */
#ifndef TEST_UNIT_CMOCKA_FIRST_H
#define TEST_UNIT_CMOCKA_FIRST_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#endif
