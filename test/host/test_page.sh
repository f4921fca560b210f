#!/bin/bash
# web/index.html in Chromium on a real Linux host: what it shows, downloads, refusals, boards that come back or are
# lost.
. "$(dirname "$0")/lib.sh"
plan 13
board nucleo --load build/firmware/boot.hex
once nucleo '"op":"program","addr":1342[89][0-9]{4},' 'usb unplug' # at 0x08010000 and up
in_guest --timeout 1200 --mem 4096 --cpus 2 --udev '
mkdir -p /etc/chromium/policies/managed /run/page
image /run/image 200000
cat >/etc/chromium/policies/managed/sureboot.json <<END
{"WebUsbAllowDevicesForUrls": [{"devices": [{"vendor_id": 1155, "product_id": 57105}], "urls": ["http://localhost:8000"]}],
 "SerialAllowUsbDevicesForUrls": [{"devices": [{"vendor_id": 1155, "product_id": 22336}], "urls": ["http://localhost:8000"]}]}
END
ip link set lo up 2>/dev/null || ifconfig lo up
await 30 device $DFU >/dev/null
node test/host/page.js build/firmware build/test/fw/crasher.bin /run/image /run/page
check "the application runs" await 30 tty_of
'
finish
