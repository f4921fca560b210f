/* See parse.h. */
#include "board/parse.h"

#include <string.h>
#include <unistd.h>

#include "vboard.h"

int parse_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool parse_number(const char *text, uint64_t max, uint64_t *value)
{
    int base = 10;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    }
    if (*text == '\0')
        return false;
    uint64_t sum = 0;
    for (; *text != '\0'; text++) {
        int digit = parse_digit(*text);
        if (digit < 0 || digit >= base)
            return false;
        if (__builtin_mul_overflow(sum, (uint64_t)base, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)digit, &sum))
            return false;
    }
    if (sum > max)
        return false;
    *value = sum;
    return true;
}

/* What follows the digits, "e-05": adds to *exponent. */
static bool parse_exponent(const char *text, int *exponent)
{
    int sign = *text == '-' ? -1 : 1, n = 0;
    if (*text == '-' || *text == '+')
        text++;
    if (*text == '\0')
        return false;
    for (; *text >= '0' && *text <= '9'; text++)
        n = n < 100 ? n * 10 + (*text - '0') : n;
    *exponent += sign * n;
    return *text == '\0';
}

bool parse_seconds(const char *text, uint64_t *ns)
{
    const uint64_t longest = PARSE_MAX_SECONDS * 1000000000ULL;
    uint64_t value = 0;
    int exponent = 9; /* of ten, from value to ns */
    bool any = false, point = false;
    for (; (*text >= '0' && *text <= '9') || (*text == '.' && !point); text++) {
        if (*text == '.') {
            point = true;
            continue;
        }
        any = true;
        bool kept = value < longest / 10; /* digits behind the seventeenth do not count */
        if (kept)
            value = value * 10 + (uint64_t)(*text - '0');
        exponent += !kept - point;
    }
    if (!any || (*text != '\0' && *text != 'e' && *text != 'E'))
        return false;
    if (*text != '\0' && !parse_exponent(text + 1, &exponent))
        return false;
    for (; exponent < 0 && value > 0; exponent++)
        value /= 10;
    for (; exponent > 0 && value > 0; exponent--) {
        if (value > longest / 10)
            return false;
        value *= 10;
    }
    *ns = value;
    return value <= longest;
}

bool parse_hex(const char *text, uint8_t *bytes, size_t max, size_t *size)
{
    size_t digits = strlen(text);
    if (digits == 0 || digits % 2 != 0 || digits / 2 > max)
        return false;
    for (size_t i = 0; i < digits / 2; i++) {
        int high = parse_digit(text[2 * i]), low = parse_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    *size = digits / 2;
    return true;
}

bool parse_place(char *text, uint32_t *addr, struct sentence *why)
{
    uint64_t value;
    char *at = strrchr(text, '@');
    *addr = VBOARD_NO_ADDR;
    if (at == NULL)
        return true;
    const bool bare = at[1] == '0' && parse_digit(at[2]) >= 0; /* hex whose 0x was forgotten: 08004000 */
    if (!bare && parse_number(at + 1, UINT32_MAX - 1, &value)) {
        *at = '\0';
        *addr = (uint32_t)value;
        return true;
    }
    if (access(text, F_OK) == 0) /* a file with an @ in its name */
        return true;
    return refuse(why, "%s: '%s' is not an address, such as 0x08004000", text, at + 1);
}

/* Of "--name", "--name=value" or "-n": how long the name is; 0: it is no option. */
static size_t option_length(const char *word)
{
    return word[0] == '-' && (word[1] == '-' || word[1] == 'o') ? strcspn(word, "=") : 0;
}

bool parse_twice(int argc, char **argv, const char *const *again, struct sentence *why)
{
    for (int i = 1; i < argc; i++) {
        size_t n = option_length(argv[i]);
        bool may = n == 0;
        for (const char *const *a = again; *a; a++)
            may |= strlen(*a) == n && strncmp(*a, argv[i], n) == 0;
        for (int k = 1; k < i && !may; k++)
            if (option_length(argv[k]) == n && strncmp(argv[k], argv[i], n) == 0) {
                (void)refuse(why, "%.*s is given twice", (int)n, argv[i]);
                return true;
            }
    }
    return false;
}
