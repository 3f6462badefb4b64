function decodeUplink(input) {
  if (input.bytes.length < 2) return { errors: ['too short'] };
  return { data: { temperature: ((input.bytes[0] << 8) | input.bytes[1]) / 10 } };
}
function encodeDownlink(input) {
  return { fPort: 2, bytes: [input.data.interval] };
}
