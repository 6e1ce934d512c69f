// A file for each page, and those that they share in core.json.
import admin from './admin.json'
import camera from './camera.json'
import core from './core.json'
import incident from './incident.json'
import map from './map.json'
import shell from './shell.json'

export default {
  ...admin,
  ...core,
  ...incident,
  ...map,
  ...camera,
  ...shell,
}
