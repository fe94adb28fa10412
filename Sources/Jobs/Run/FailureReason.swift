import Files
import Datasets
import GRDB
import Models
import TensorEngine
import Training

/// The reason for which a job failed, as a sentence for its owner, without paths of the server and names of types.
enum FailureReason {
  static func sentence(for error: any Error) -> String {
    switch error {
    case let error as TrainingError: error.description
    case let error as DatasetError: "The data set cannot be read: \(error)."
    case let error as ModelError: error.description
    case let error as WeightsError: error.description
    case let error as SafetensorsError: "The weights cannot be read: \(error)."
    case let error as Damaged: "The job needs a damaged resource: \(error)."
    case is DamagedStore: "The service's database is damaged; whoever runs the service has to stop it and run temper fsck."
    case let error as DamagedFile: "The job needs a damaged file: \(error)."
    case let error as StorageError where error.isLock: "The job could not be stored: \(error)."
    case let error as StorageError: "The disk failed: \(error)."
    case let error as DatabaseError where error.resultCode == .SQLITE_FULL: "The job could not be stored: the disk is full."
    case is DatabaseError: "The job could not be stored; the server's log says why."
    case let error as SpecFaults: "The spec cannot run: \(error)"
    case let error as NotFound: "The job needs something that does not exist: \(error)."
    case let error as GraphError: error.description
    case let error as KernelError: error.description
    case let error as Interruption: "Stopped: \(error)."
    default: "The job ended with an unexpected error; the server's log has it."
    }
  }
}
