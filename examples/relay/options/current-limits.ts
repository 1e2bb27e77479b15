import { limitOf, type RelaySettings } from './options.js'

/** The limits that a reload may change, as they are now. */
export function createLimits(settings: () => RelaySettings) {
  return {
    get maxConnections() {
      return limitOf(settings().maxConnections)
    },
    get maxPerAddress() {
      return limitOf(settings().maxConnectionsPerAddress)
    },
    get connectionRate() {
      return limitOf(settings().connectionRate)
    },
    get maxConnectionsPerUser() {
      return limitOf(settings().maxConnectionsPerUser)
    },
    get maxRooms() {
      return limitOf(settings().maxRooms)
    },
    get rate() {
      return limitOf(settings().rate)
    },
  }
}
