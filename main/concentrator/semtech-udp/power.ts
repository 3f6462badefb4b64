/** Gain of a half-wave dipole over an isotropic radiator: what lies between EIRP and the ERP that `powe` carries. */
const DIPOLE_GAIN_DB = 2.15;

/** `powe` of a transmission: whole dBm below the wanted EIRP less the dipole gain, so that it never exceeds it. */
export function poweFromEirp(eirpDbm: number): number {
  // Rounded to a thousandth first: 16.15 - 2.15 is 13.999… in binary.
  const powerDbm = Math.trunc(Math.round((eirpDbm - DIPOLE_GAIN_DB) * 1000) / 1000);
  return Math.min(127, Math.max(-128, powerDbm));
}

/** EIRP that belongs to a `powe` value a gateway reports. */
export function eirpFromPowe(powe: number): number {
  return Math.round((powe + DIPOLE_GAIN_DB) * 1000) / 1000;
}
