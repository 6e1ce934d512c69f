#!/usr/bin/env bash
# Installs the Debian packages that the tests need, if any is missing and this user may.
set -euo pipefail

packages=(
  chromium fonts-noto-cjk # the console in a real browser, in Chinese
  # A real RTSP server, and the encoders that it streams with.
  gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-base gstreamer1.0-plugins-good
  gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav
  mosquitto espeak-ng alsa-utils # a real MQTT broker, a voice, a player
  kamailio baresip-core # a real SIP server, a real SIP user agent
  nginx libnginx-mod-rtmp # a real media server that is pushed to
  chrony # a real time server
)
# A real PostgreSQL: the tests make clusters of their own, Debian's is not touched.
[ -d /usr/lib/postgresql ] || packages+=(postgresql)
# A real Kafka broker: its jars come through Maven. Any Java from 17 on will do.
command -v java >/dev/null || packages+=(openjdk-17-jre-headless)
command -v mvn >/dev/null || packages+=(maven)

missing=()
for package in "${packages[@]}"; do
  dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "no apt-get here: tests that need ${missing[*]} will be skipped" >&2
  exit 0
fi
run=()
if [ "$(id -u)" -ne 0 ]; then
  if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then run=(sudo); else
    echo "as root, run: apt-get install ${missing[*]}; until then the tests that need them are skipped" >&2
    exit 0
  fi
fi
echo "installing ${missing[*]} …"
"${run[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${run[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
