// A file for each page, and those that they share in core.json.
import admin from './admin.json'
import camera from './camera.json'
import backtest from './backtest.json'
import core from './core.json'
import incident from './incident.json'
import map from './map.json'
import plates from './plates.json'
import rules from './rules.json'
import shell from './shell.json'
import statistics from './statistics.json'
import shift from './shift.json'
import walk from './walk.json'
import watch from './watch.json'
import speakers from './speakers.json'

export default {
  ...admin,
  ...backtest,
  ...core,
  ...incident,
  ...map,
  ...camera,
  ...plates,
  ...rules,
  ...shell,
  ...statistics,
  ...shift,
  ...walk,
  ...watch,
  ...speakers,
}
