export type {
  Check,
  Diagnosis,
  InterfaceFinding,
  LinkFigures,
  LinkFinding,
  LinkState,
  Machine,
} from './doctor/diagnosis.js';
export { diagnose, exitCodeOf } from './doctor/doctor.js';
export { paintFor, renderDiagnosis } from './doctor/render.js';
