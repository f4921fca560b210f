/* What a device tells of itself so that no driver has to be installed and a browser may talk to it:
 * the BOS with WebUSB 1.0 and Microsoft OS 2.0 capabilities, their descriptors, and the two vendor
 * requests that read them. Needs bcdUSB 0x0201 or more, or hosts do not ask. */
#ifndef USB_PLATFORM_H
#define USB_PLATFORM_H

#include "usb/usbd.h"

/* bRequest of both vendor requests; wIndex tells them apart. */
enum { PLATFORM_VENDOR_CODE = 0x53, WEBUSB_GET_URL = 2, MSOS20_GET_SET = 7 };

/* Universal Serial Bus 3.0, 9.6.2: BOS. WebUSB "Platform Descriptor". MS OS 2.0 "BOS". */
struct platform_bos {
    struct usb_bos_descriptor bos;
    struct {
        uint8_t bLength, bDescriptorType, bDevCapabilityType, bReserved, uuid[16];
        uint16_t bcdVersion;
        uint8_t bVendorCode, iLandingPage; /* 0: none */
    } USB_PACKED webusb;
    struct {
        uint8_t bLength, bDescriptorType, bDevCapabilityType, bReserved, uuid[16];
        uint32_t dwWindowsVersion;
        uint16_t wMSOSDescriptorSetTotalLength;
        uint8_t bMS_VendorCode, bAltEnumCode;
    } USB_PACKED msos20;
} USB_PACKED;

#define PLATFORM_BOS(landing_page, set_size)                                                                   \
    {                                                                                                          \
        .bos = {sizeof(struct usb_bos_descriptor), USB_DESC_BOS, sizeof(struct platform_bos), 2},              \
        .webusb =                                                                                              \
            {24,                                                                                               \
             USB_DESC_CAPABILITY,                                                                              \
             5, /* platform */                                                                                 \
             0,                                                                                                \
             {0x38, 0xB6, 0x08, 0x34, 0xA9, 0x09, 0xA0, 0x47, 0x8B, 0xFD, 0xA0, 0x76, 0x88, 0x15, 0xB6, 0x65}, \
             0x0100,                                                                                           \
             PLATFORM_VENDOR_CODE,                                                                             \
             landing_page},                                                                                    \
        .msos20 = {28,                                                                                         \
                   USB_DESC_CAPABILITY,                                                                        \
                   5,                                                                                          \
                   0,                                                                                          \
                   {0xDF, 0x60, 0xDD, 0xD8, 0x89, 0x45, 0xC7, 0x4C, 0x9C, 0xD2, 0x65, 0x9D, 0x9E, 0x64,        \
                    0x8A, 0x9F},                                                                               \
                   MSOS20_WINDOWS_8_1,                                                                         \
                   set_size,                                                                                   \
                   PLATFORM_VENDOR_CODE,                                                                       \
                   0},                                                                                         \
    }

/* Descriptors of Microsoft OS 2.0: the beginning of a set, what makes Windows take WinUSB, and a GUID under
 * which programs find the device. */
struct msos20_header {
    uint16_t wLength, wDescriptorType;
    uint32_t dwWindowsVersion;
    uint16_t wTotalLength;
} USB_PACKED;
struct msos20_compatible {
    uint16_t wLength, wDescriptorType;
    char CompatibleID[8], SubCompatibleID[8];
} USB_PACKED;
struct msos20_guids {
    uint16_t wLength, wDescriptorType, wPropertyDataType, wPropertyNameLength;
    uint16_t PropertyName[21]; /* with NUL */
    uint16_t wPropertyDataLength;
    uint16_t PropertyData[40]; /* one GUID in braces, NUL, NUL */
} USB_PACKED;

#define MSOS20_WINDOWS_8_1 0x06030000
#define MSOS20_COMPATIBLE                                                                                    \
    {                                                                                                        \
        20, 3, "WINUSB", ""                                                                                  \
    }
/* `guid` is u"{xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}". */
#define MSOS20_GUIDS(guid)                                                                                   \
    {                                                                                                        \
        132, 4, 7 /* REG_MULTI_SZ */, 42, u"DeviceInterfaceGUIDs", 80, guid                                  \
    }

/* The set of a device with one interface. */
struct msos20_winusb {
    struct msos20_header header;
    struct msos20_compatible compatible;
    struct msos20_guids guids;
} USB_PACKED;

#define MSOS20_WINUSB(guid)                                                                                  \
    {                                                                                                        \
        .header = {10, 0, MSOS20_WINDOWS_8_1, sizeof(struct msos20_winusb)},                                 \
        .compatible = MSOS20_COMPATIBLE, .guids = MSOS20_GUIDS(guid),                                        \
    }

/* The set for one interface of a device with several, where Windows has drivers for the others. */
struct msos20_winusb_function {
    struct msos20_header header;
    struct {
        uint16_t wLength, wDescriptorType;
        uint8_t bConfigurationValue, bReserved; /* an index, from 0 */
        uint16_t wTotalLength;
    } USB_PACKED configuration;
    struct {
        uint16_t wLength, wDescriptorType;
        uint8_t bFirstInterface, bReserved;
        uint16_t wSubsetLength;
    } USB_PACKED function;
    struct msos20_compatible compatible;
    struct msos20_guids guids;
} USB_PACKED;

#define MSOS20_WINUSB_FUNCTION(interface, guid)                                                              \
    {                                                                                                        \
        .header = {10, 0, MSOS20_WINDOWS_8_1, sizeof(struct msos20_winusb_function)},                        \
        .configuration = {8, 1, 0, 0, sizeof(struct msos20_winusb_function) - 10},                           \
        .function = {8, 2, interface, 0, sizeof(struct msos20_winusb_function) - 18},                        \
        .compatible = MSOS20_COMPATIBLE, .guids = MSOS20_GUIDS(guid),                                        \
    }

/* The landing page that a browser offers; `scheme` 1 is https. */
struct webusb_url {
    uint8_t bLength, bDescriptorType, bScheme;
    char URL[];
} USB_PACKED;

/* Answers the two vendor requests, or USBD_FAIL if it is neither. `set` is one of the above; url may be
 * NULL. To be called by a function's setup(). */
enum usbd_answer platform_request(struct usbd_control *c, const void *set, const struct webusb_url *url);

#endif
