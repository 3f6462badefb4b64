import { IconCpu } from '@tabler/icons-react';
import type { EndDeviceModel } from '../../../main/api/gen/ttn/lorawan/v3/devicerepository_pb.js';
import classes from './catalogue-page.module.css';

/** The picture of a model; a sign in its place if there is none. */
export function ModelPicture({
  model,
  large = false,
}: {
  readonly model: EndDeviceModel;
  readonly large?: boolean;
}) {
  const address = model.photos?.main || model.photos?.other[0];
  const size = large ? classes.large : '';
  if (address === undefined)
    return (
      <span className={`${classes.picture} ${classes.noPicture} ${size}`} aria-hidden>
        <IconCpu size={large ? 72 : 26} stroke={1.3} />
      </span>
    );
  return (
    <span className={`${classes.picture} ${size}`}>
      <img src={address} alt="" loading="lazy" />
    </span>
  );
}
